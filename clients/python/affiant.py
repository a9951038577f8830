"""Acts on record, from Python: a client of ``affiant serve-agent`` that needs the standard library alone.

    from affiant import Agent, Refused

    agent = Agent.at_socket("data/agents/support/service.sock", thread="ticket-7")
    with agent.act("refund", {"order": 7}) as act:      # judged, and claimed on disk, or Refused is raised
        act.outcome(pay_back(7))                        # on record when the block ends

Leaving the block by an exception records ``{"error": ...}``; leaving it without an outcome records ``None``. Numbers keep their
digits: ``int`` and ``decimal.Decimal`` are sent as they are.
"""

import functools
import http.client
import json
import socket as _socket
import urllib.parse
import uuid
from decimal import Decimal

__all__ = ["Agent", "Act", "AffiantError", "Done", "Refused", "Unavailable"]


class AffiantError(Exception):
    """An RFC 9457 problem of the service. ``code`` is stable, the message is for people."""

    def __init__(self, status, problem):
        super().__init__("%s [%s]" % (problem.get("detail"), problem.get("code")))
        self.status = status
        self.code = problem.get("code")
        self.detail = problem.get("detail")


class Refused(AffiantError):
    """The act must not be done: the policy forbids it, or it was done before. The refusal is on record."""


class Done(Refused):
    """The act was done before under this key. ``output`` is what is on record; nothing is to be done again."""

    def __init__(self, state):
        super().__init__(409, {"code": "ERR_CONFLICT_REPLAY", "detail": "entry %s: it was done before" % state.get("seq")})
        self.output = state.get("output")


class Unavailable(AffiantError):
    """The act must not be done: it could not be put on record now, or the service does not answer."""


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _Number:
    """A decimal whose digits are written as they are."""

    def __init__(self, value):
        self.text = str(value)


def _default(value):
    raise TypeError("%s has no JSON form" % type(value).__name__)


def _plain(value):
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("%s has no JSON form" % value)
        return _Number(value)
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError("a key that is no text has no JSON form: %r" % (key,))
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _dumps(value):
    text = json.dumps(_mark(_plain(value)), allow_nan=False, default=_default, ensure_ascii=True)
    return _unmark(text)


# Nobody else's text holds it: it is made anew in each process.
_TOKEN = "affiant-number-%s:" % uuid.uuid4()


def _mark(value):
    if isinstance(value, _Number):
        return _TOKEN + value.text + _TOKEN
    if isinstance(value, dict):
        return {key: _mark(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_mark(item) for item in value]
    return value


def _unmark(text):
    token = json.dumps(_TOKEN)[1:-1]
    return text.replace('"' + token, "").replace(token + '"', "")


class Agent:
    """One agent's service. ``thread`` names the conversation or task that acts belong to."""

    def __init__(self, connect, token=None, thread=None):
        self._connect = connect
        self._token = token
        self.thread = thread or "python:%s" % uuid.uuid4()

    @classmethod
    def at_socket(cls, path, thread=None, timeout=30):
        """By the Unix socket in the agent's folder."""
        return cls(lambda: _UnixConnection(path, timeout), None, thread)

    @classmethod
    def at(cls, url, token, thread=None, timeout=30):
        """By loopback, ``http://127.0.0.1:PORT``, with the token from ``service.token``."""
        parts = urllib.parse.urlsplit(url)
        return cls(lambda: http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout), token, thread)

    def in_thread(self, thread):
        """The same service under another thread."""
        return Agent(self._connect, self._token, thread)

    def act(self, name, input=None, key=None, context=None, contract=None):
        """Judges an act and claims it. Raises Refused (Done, where it was done before) or Unavailable: then it must not be done."""
        state = self._tell(name, input, key, context, contract)
        if state["status"] == "recorded":
            raise Done(state)
        return Act(self, state)

    def record(self, name, input=None, output=None, key=None, context=None, contract=None):
        """Judges an act that has no effect of its own (a decision, an answer) and puts it on record at once."""
        return self._tell(name, input, key, context, contract, {"output": output})

    def recorded(self, name=None):
        """A decorator: each call of the function is an act, its arguments the input and what it returns the outcome."""

        def decorate(function):
            @functools.wraps(function)
            def called(*args, **kwargs):
                given = dict(kwargs) if not args else {"args": list(args), **kwargs}
                with self.act(name or function.__name__, given) as act:
                    result = function(*args, **kwargs)
                    act.outcome(result)
                    return result

            return called

        return decorate

    def state(self, key):
        """How an act stands: ``{"id", "status", ...}``."""
        return self._json("GET", "/v1/acts/%s" % _segment(key))

    def about(self):
        return self._json("GET", "/v1/agent")

    def evidence(self, withhold=()):
        """The evidence file, as bytes."""
        query = "?withhold=%s" % ",".join(withhold) if withhold else ""
        return self._send("GET", "/v1/evidence%s" % query)

    def _tell(self, name, input, key, context, contract, more=None):
        # A key of our own, so that a request whose answer was lost can be made again without a second act.
        told = {"act": name, "input": input, "thread": self.thread, "idempotencyKey": key or str(uuid.uuid4())}
        if context is not None:
            told["context"] = context
        if contract is not None:
            told["ctr"] = contract
        told.update(more or {})
        return self._json("POST", "/v1/acts", told)

    def _json(self, method, path, body=None):
        return json.loads(self._send(method, path, body), parse_float=Decimal)

    def _send(self, method, path, body=None):
        headers = {"content-type": "application/json"}
        if self._token is not None:
            headers["authorization"] = "Bearer %s" % self._token
        connection = self._connect()
        try:
            connection.request(method, path, None if body is None else _dumps(body), headers)
            answer = connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            problem = {"code": "ERR_UNAVAILABLE_RECORD", "detail": "the service does not answer: %s" % error}
            raise Unavailable(503, problem) from error
        finally:
            connection.close()
        if answer.status < 300:
            return data
        raise _problem(answer.status, data)


class Act:
    """An act that may be done. Its outcome is on record when the ``with`` block ends, or by ``done``."""

    def __init__(self, agent, state):
        self._agent = agent
        self._output = None
        self.id = state["id"]
        self.thread = state.get("thread")

    def outcome(self, value):
        self._output = value

    def done(self, output=None, error=None):
        """Puts the outcome on record now."""
        body = {"output": output} if error is None else {"error": error}
        return self._agent._json("POST", "/v1/acts/%s/outcome" % _segment(self.id), body)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None:
            self.done(self._output)
        else:
            # The exception that ended the block is what the caller is to see.
            try:
                self.done(error="%s: %s" % (kind.__name__, error))
            except AffiantError as lost:
                if hasattr(error, "add_note"):
                    error.add_note("affiant: the outcome could not be put on record: %s" % lost)
        return False


def _segment(key):
    return urllib.parse.quote(key, safe="")


def _problem(status, data):
    try:
        problem = json.loads(data)
        if not isinstance(problem, dict) or "code" not in problem:
            raise ValueError
    except ValueError:
        problem = {"code": "ERR_UNAVAILABLE_RECORD", "detail": "the service gave an answer that is none (%d)" % status}
        return Unavailable(status, problem)
    if status == 503:
        return Unavailable(status, problem)
    if status in (403, 409, 429):
        return Refused(status, problem)
    return AffiantError(status, problem)
