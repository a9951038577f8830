/**
 * The cases that the UCAN working group publishes for version 1.0.0 (ucan-wg/spec, fixtures/1.0.0/invocation.json and
 * policy.json), told here by their fields. Ed25519 is deterministic: tokens made from the published keys and fields must
 * be the published tokens, which is shown by their CIDs.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { hexToBytes } from "@noble/hashes/utils.js";
import { expect } from "chai";

import { formatKeyDid, type KeyDid } from "../../../protocol/did/key.ts";
import { decodeDelegation, type Delegation } from "../../../protocol/ucan/delegation.ts";
import { type Ed25519Signer, sealEnvelope } from "../../../protocol/ucan/envelope.ts";
import { decodeInvocation } from "../../../protocol/ucan/invocation.ts";
import { encodeIpld, type Ipld, type IpldMap } from "../../../protocol/ucan/ipld.ts";
import { firstUnmetStatement, parsePolicy } from "../../../protocol/ucan/policy.ts";
import { verifyInvocation } from "../../../protocol/ucan/verifyInvocation.ts";
import { CID } from "multiformats/cid";

const signerOf = (seedHex: string): Ed25519Signer & { did: KeyDid } => {
  const seed = hexToBytes(seedHex);
  const publicKey = ed25519.getPublicKey(seed);
  return { publicKey, did: formatKeyDid(publicKey), sign: (message) => ed25519.sign(message, seed) };
};

/** The published keys; dan's is not published, so tokens of his are ours and carry no CID to compare. */
const people = {
  alice: signerOf("bd51f66ffb2239febbd422ddb50da188ec464997314ed6e0dce40c89df473aff"),
  bob: signerOf("5f8fdf91cd4d94e75f1330134afdf8dd190cf7e2c07888a13acfef65403a4221"),
  carol: signerOf("42e37406c3b66f610b8a4ed070072fad76362b29fd215d4ddd77e2741ce37977"),
  dan: signerOf("0000000000000000000000000000000000000000000000000000000000000004"),
};
type Person = keyof typeof people;

const nonces = { one: "01020304".repeat(4), five: "05060708".repeat(4), three: "01010308".repeat(4) };
const atSec = 1_767_225_600;
const past = 1_760_958_515;

interface Link {
  from: Person;
  to: Person;
  about?: Person | null;
  nonce?: string;
  exp?: number;
  nbf?: number;
  pol?: readonly Ipld[];
  cid?: string;
  brokenSignature?: true;
}

interface Case {
  name: string;
  links: readonly Link[];
  withhold?: true;
  about: Person;
  to?: Person;
  nonce: string;
  exp?: number;
  args?: IpldMap;
  brokenSignature?: true;
  refusal?: string;
}

const danRoot: Link = { from: "dan", to: "carol", nonce: nonces.one };
const carolToBob: Link = {
  from: "carol",
  to: "bob",
  nonce: nonces.one,
  cid: "bafyreieo25cyuffbasemfr2zlhl75tw3gowyay34v5egyrk2vqmm23xkem",
};
const bobToAlice: Link = {
  from: "bob",
  to: "alice",
  nonce: nonces.one,
  cid: "bafyreidyjy36xsnbklgotghkc2igi3ri4w3h5o7d6it3jkbexewc223zbe",
};
const answerIs42: Link = {
  ...bobToAlice,
  pol: [["==", ".answer", 42]],
  cid: "bafyreifo7ajwdchuqux22gd4kgdkcmnaoatq2ymdy5xcqmihsqcgiybgha",
};

const cases: readonly Case[] = [
  { name: "self signed", links: [], about: "alice", nonce: nonces.one },
  { name: "single non-time bounded proof", links: [bobToAlice], about: "bob", nonce: nonces.five },
  {
    name: "single active non-expired proof",
    links: [{ ...bobToAlice, nbf: past, cid: "bafyreiexmixjlx5l56zqxlfqz4xi5dvac424qgs6guzr5vgpdxfjg6tr2e" }],
    about: "bob",
    nonce: nonces.five,
  },
  {
    name: "multiple proofs",
    links: [
      carolToBob,
      {
        from: "bob",
        to: "alice",
        about: "carol",
        nonce: nonces.five,
        cid: "bafyreigrb7fktc6hrt7yiggc2jb4kh2w7kxuhpmmtsfpc7nqvkiy2x3crq",
      },
    ],
    about: "carol",
    nonce: nonces.three,
  },
  {
    name: "multiple active proofs",
    links: [
      carolToBob,
      {
        from: "bob",
        to: "alice",
        about: "carol",
        nonce: nonces.five,
        nbf: past,
        cid: "bafyreih727fs6qibonqdcm22j7q3qxyxnerzghwtd4gfp53a6dqtjtthii",
      },
    ],
    about: "carol",
    nonce: nonces.three,
  },
  {
    name: "powerline",
    links: [
      carolToBob,
      {
        from: "bob",
        to: "alice",
        about: null,
        nonce: nonces.five,
        cid: "bafyreibpbijpjuaivsw3yyirfnhgmpciqgg6h3lcl7txnilqnlp63xgswu",
      },
    ],
    about: "carol",
    nonce: nonces.three,
  },
  { name: "policy match", links: [answerIs42], about: "bob", nonce: nonces.five, args: { answer: 42 } },
  { name: "no proof", links: [], about: "carol", nonce: nonces.one, refusal: "ERR_AUTH_CONTRACT_MISSING" },
  {
    name: "missing proof",
    links: [bobToAlice],
    withhold: true,
    about: "carol",
    nonce: nonces.five,
    refusal: "ERR_AUTH_CONTRACT_MISSING",
  },
  {
    name: "expired proof",
    links: [{ ...bobToAlice, exp: past, cid: "bafyreihztc2ussbxk7wc6y4xyoubwowkehom6b7hk4gsaehrbiodajpbn4" }],
    about: "bob",
    to: "carol",
    nonce: nonces.five,
    refusal: "ERR_AUTH_CONTRACT_TIME",
  },
  {
    name: "inactive proof",
    links: [
      { ...bobToAlice, nbf: 253_402_300_799, cid: "bafyreihsdbjqpnubcoffp5mw26vf5ok5yxs4ltalnxnbaa5qkqf2mp4tku" },
    ],
    about: "bob",
    to: "carol",
    nonce: nonces.five,
    refusal: "ERR_AUTH_CONTRACT_TIME",
  },
  {
    name: "proof principal alignment",
    links: [danRoot, { from: "bob", to: "alice", about: "dan", nonce: nonces.five }],
    about: "dan",
    nonce: nonces.three,
    refusal: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    name: "invocation principal alignment",
    links: [danRoot, { from: "carol", to: "bob", about: "dan", nonce: nonces.five }],
    about: "dan",
    nonce: nonces.three,
    refusal: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    name: "proof subject alignment",
    links: [
      carolToBob,
      {
        from: "bob",
        to: "alice",
        nonce: nonces.five,
        cid: "bafyreidaml7wnqcsye46vuxweulqgzcobhu5qiwx7vob7dco5cohlmxt3q",
      },
    ],
    about: "carol",
    nonce: nonces.three,
    refusal: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    name: "invocation subject alignment",
    links: [
      carolToBob,
      {
        from: "bob",
        to: "alice",
        about: "carol",
        nonce: nonces.five,
        cid: "bafyreigrb7fktc6hrt7yiggc2jb4kh2w7kxuhpmmtsfpc7nqvkiy2x3crq",
      },
    ],
    about: "dan",
    nonce: nonces.three,
    refusal: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    name: "expired invocation",
    links: [bobToAlice],
    about: "bob",
    to: "carol",
    nonce: nonces.five,
    exp: past,
    refusal: "ERR_AUTH_CONTRACT_TIME",
  },
  {
    name: "invalid proof signature",
    links: [{ from: "bob", to: "alice", nonce: nonces.one, brokenSignature: true }],
    about: "bob",
    to: "carol",
    nonce: nonces.five,
    refusal: "ERR_AUTH_CONTRACT_SIGNATURE",
  },
  {
    name: "invalid invocation signature",
    links: [],
    about: "alice",
    nonce: nonces.one,
    brokenSignature: true,
    refusal: "ERR_AUTH_CONTRACT_SIGNATURE",
  },
  {
    name: "invalid powerline",
    links: [{ ...bobToAlice, about: null, cid: "bafyreihrscyge4i4cwe7qwetmqudic7hysnltwl7iesrxrh6ynnurxsic4" }],
    about: "carol",
    nonce: nonces.five,
    refusal: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    name: "policy violation",
    links: [answerIs42],
    about: "bob",
    nonce: nonces.five,
    args: { answer: 41 },
    refusal: "ERR_AUTH_CONTRACT_SCOPE",
  },
];

const short = (signer: Ed25519Signer): Ed25519Signer => ({
  publicKey: signer.publicKey,
  sign: () => Uint8Array.of(1, 2, 3),
});

async function delegationOf(link: Link): Promise<Delegation> {
  const about = link.about === undefined ? link.from : link.about;
  const payload: IpldMap = {
    iss: people[link.from].did,
    aud: people[link.to].did,
    sub: about === null ? null : people[about].did,
    cmd: "/msg/send",
    pol: link.pol ?? [],
    nonce: hexToBytes(link.nonce ?? nonces.one),
    exp: link.exp ?? null,
    ...(link.nbf === undefined ? {} : { nbf: link.nbf }),
  };
  const signer = link.brokenSignature ? short(people[link.from]) : people[link.from];
  return decodeDelegation((await sealEnvelope("dlg", payload, signer)).bytes);
}

describe("protocol/ucan: the working group's published cases", () => {
  for (const example of cases) {
    it(`${example.refusal ? "refuses" : "accepts"}: ${example.name}`, async () => {
      const links = await Promise.all(example.links.map(delegationOf));
      links.forEach((link, i) => {
        const published = example.links[i]?.cid;
        if (published !== undefined) expect(link.envelope.cid).to.equal(published);
      });
      const payload: IpldMap = {
        iss: people.alice.did,
        sub: people[example.about].did,
        cmd: "/msg/send",
        args: example.args ?? {},
        prf: links.map((link) => CID.parse(link.envelope.cid)),
        nonce: hexToBytes(example.nonce),
        exp: example.exp ?? null,
        iat: 1_760_918_400,
        ...(example.to === undefined ? {} : { aud: people[example.to].did }),
      };
      const signer = example.brokenSignature ? short(people.alice) : people.alice;
      const invocation = decodeInvocation((await sealEnvelope("inv", payload, signer)).bytes);
      const presented = new Map(example.withhold ? [] : links.map((link) => [link.envelope.cid, link]));

      const { executor } = invocation;
      const owner = people[example.about].did;
      const verdict = verifyInvocation(invocation, presented, { owner, executor, nowSec: atSec, allowPowerline: true });

      expect(verdict.allowed ? undefined : verdict.code).to.equal(example.refusal);
    });
  }

  it("refuses a powerline unless it is asked for", async () => {
    const example = cases.find(({ name }) => name === "powerline")!;
    const links = await Promise.all(example.links.map(delegationOf));
    const { bytes } = await sealEnvelope(
      "inv",
      {
        iss: people.alice.did,
        sub: people.carol.did,
        cmd: "/msg/send",
        args: {},
        prf: links.map((link) => CID.parse(link.envelope.cid)),
        nonce: hexToBytes(nonces.three),
        exp: null,
      },
      people.alice,
    );
    const presented = new Map(links.map((link) => [link.envelope.cid, link]));
    const owner = people.carol.did;
    const verdict = verifyInvocation(decodeInvocation(bytes), presented, { owner, executor: owner, nowSec: atSec });
    expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_CHAIN", link: 1 });
  });
});

describe("protocol/ucan: the published policy cases", () => {
  const alicesList = {
    a: "Alice*, Bob, Carol.",
    b: "Alice*, Bob, Dan, Erin, Carol.",
    c: "Alice*, Bob  , Carol.",
    d: "Alice*, Bob*, Carol.",
  };
  const katie = { name: "Katie", age: 35, nationalities: ["Canadian", "South African"] };
  const mail = { from: "alice@example.com", to: ["bob@example.com", "carol@not.example.com"], title: "Coffee" };
  const numbers = { a: [1, 2, { b: 3 }], b: 1 };
  const wrong = {
    fail1: "Alice*, Bob, Carol",
    fail2: "Alice*, Bob*, Carol!",
    fail3: "Alice, Bob, Carol.",
    fail4: "Alice Cooper, Bob, Carol.",
    fail5: " Alice*, Bob, Carol. ",
  };
  const like = (key: string): Ipld => ["like", `.${key}`, "Alice\\*, Bob*, Carol."];
  const groups = {
    newsletters: { christmas: { recipients: [{ email: "bob@example.com" }, { email: "alice@example.com" }] } },
  };

  const holding: readonly [IpldMap, Ipld][] = [
    ...(["a", "b", "c", "d"] as const).map((key): [IpldMap, Ipld] => [alicesList, like(key)]),
    [numbers, ["==", ".a", [1, 2, { b: 3 }]]],
    [numbers, ["==", ".b", 1]],
    ...(["ddd", null, 2, { b: 3 }, true, false] as Ipld[]).map((value): [IpldMap, Ipld] => [
      numbers,
      ["!=", ".b", value],
    ]),
    [numbers, ["not", ["==", ".b", 2]]],
    [numbers, ["<", ".b", 2]],
    [numbers, [">", ".b", 0]],
    [numbers, ["<=", ".b", 2]],
    [numbers, [">=", ".b", 0]],
    [katie, ["and", []]],
    [
      katie,
      [
        "and",
        [
          ["==", ".name", "Katie"],
          ["==", ".age", 35],
          ["==", ".nationalities", ["Canadian", "South African"]],
        ],
      ],
    ],
    [katie, ["or", []]],
    [
      katie,
      [
        "or",
        [
          ["==", ".name", "Katie"],
          [">", ".age", 45],
        ],
      ],
    ],
    [
      katie,
      [
        "not",
        [
          "and",
          [
            ["==", ".name", "Katie"],
            ["==", ".nationalities", ["American"]],
          ],
        ],
      ],
    ],
    [{ a: [{ b: 1 }, { b: 2 }, { z: [7, 8, 9] }] }, ["any", ".a", ["==", ".b", 2]]],
    [groups, ["all", ".newsletters", ["any", ".recipients", ["==", ".email", "bob@example.com"]]]],
    [mail, ["==", ".from", "alice@example.com"]],
    [mail, ["any", ".to", ["like", ".", "*@example.com"]]],
  ];
  for (const [args, statement] of holding) {
    it(`holds: ${JSON.stringify(statement)}`, () => {
      expect(firstUnmetStatement(parsePolicy([statement]), args)).to.equal(undefined);
    });
  }

  const failing: readonly [IpldMap, Ipld][] = [
    ...Object.keys(wrong).map((key): [IpldMap, Ipld] => [wrong, like(key)]),
    [
      katie,
      [
        "and",
        [
          ["==", ".name", "Katie"],
          ["==", ".age", 35],
          ["==", ".nationalities", ["American"]],
        ],
      ],
    ],
    [
      katie,
      [
        "or",
        [
          ["==", ".name", "Kate"],
          [">", ".age", 45],
        ],
      ],
    ],
    [{ a: [{ b: 1 }, { b: 2 }, { z: [7, 8, 9] }] }, ["all", ".a", [">", ".b", 0]]],
  ];
  for (const [args, statement] of failing) {
    it(`fails: ${JSON.stringify(statement)} on ${JSON.stringify(args).slice(0, 40)}`, () => {
      expect(firstUnmetStatement(parsePolicy([statement]), args)?.source).to.deep.equal(statement);
    });
  }

  it("counts 1.0 and 1 as one number, as DAG-CBOR does", () => {
    expect(encodeIpld(1.0)).to.deep.equal(encodeIpld(1));
  });
});
