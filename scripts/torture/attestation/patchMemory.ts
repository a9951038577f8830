import { spawnSync } from "node:child_process";

import { executableMappings, isFile } from "../../../attestation/measure/processMaps.ts";

/**
 * Attaches as a debugger does and turns one byte over. A plain write to /proc/PID/mem is no longer enough: since Linux
 * 6.12 the kernel may let only a tracer change memory that is mapped read-only (proc_mem.force_override).
 */
const tracer = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long
ATTACH, DETACH, PEEK, POKE = 16, 17, 2, 5
pid, address = int(sys.argv[1]), int(sys.argv[2])
def call(*args):
    ctypes.set_errno(0)
    value = libc.ptrace(*args)
    if value == -1 and ctypes.get_errno():
        sys.exit(os.strerror(ctypes.get_errno()))
    return value
call(ATTACH, pid, None, None)
os.waitpid(pid, 0x40000000)
word = call(PEEK, pid, address, None)
call(POKE, pid, address, (word ^ 0xff) & 0xffffffffffffffff)
call(DETACH, pid, None, None)
`;

/** Changes the machine code of a running process. @throws Error if this account may not trace it, or has no python3 */
export async function patchMemory(pid: number, path: string): Promise<void> {
  const mapping = (await executableMappings(pid)).find((one) => isFile(one) && one.path === path);
  if (!mapping) throw new Error(`${path} is not mapped`);
  // The last bytes of the mapping lie behind the code, in the padding of its last page: the program runs on.
  const address = mapping.end - 8n;
  const { status, stderr } = spawnSync("python3", ["-c", tracer, String(pid), String(address)], {
    encoding: "utf8",
    timeout: 30_000,
  });
  if (status !== 0) throw new Error(`the process cannot be traced: ${stderr.trim()}`);
}
