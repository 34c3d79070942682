// Builds test/index.ts and runs its tests against a host of a few lines:
//
//   node test/run.mjs [DIRECTORY]
//
// The module goes to the directory, or to a temporary one that is removed.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const own = process.argv[2] ? null : mkdtempSync(join(tmpdir(), "wasmlane-"));
const out = join(process.argv[2] ?? own, "test.wasm");
try {
  const asc = join(root, "node_modules", "assemblyscript", "bin", "asc.js");
  execFileSync(process.execPath, [asc, "test/index.ts", "--outFile", out], { cwd: root, stdio: "inherit" });
  process.exitCode = run(new WebAssembly.Module(readFileSync(out)));
} finally {
  if (own) rmSync(own, { recursive: true });
}

function run(module) {
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (from !== "wasmlane_v1" && from !== "wasi_snapshot_preview1") {
      console.log(`FAIL imports: ${from}.${name} is no function of the host`);
      return 1;
    }
  }
  const names = WebAssembly.Module.exports(module).map((e) => e.name).filter((name) => name.startsWith("test_"));
  let failed = 0;
  for (const name of names) failed += report(name, call(module, name).error);
  failed += report("abort", expect(call(module, "abort_with_message"), "3 abort: broken é at test/index.ts:"));
  failed += report("abort in initialiser", expect(call(module, "abort_in_initialiser"), "3 abort: no random generator before the first request"));
  failed += report("random", expect(call(module, "random"), "1 true true 0"));
  failed += report("Math.random in initialiser", expect(call(module, "random_in_initialiser"), "3 abort: no random generator before the first request"));
  failed += report("trace", expect(call(module, "library"), "0 traced 1.0, 2.5\n1 logged\n3 wrong\n2 2001-09-09T01:46:40.000Z\n0 \x01\x01\x01\x01"));
  failed += report("body", expect(call(module, "body"), "1 the body is empty; it must be JSON"));
  console.log(`${names.length + 6} tests, ${failed} failed`);
  return failed || names.length === 0 ? 1 : 0;
}

function report(name, problem) {
  if (problem) console.log(`FAIL ${name}: ${problem}`);
  return problem ? 1 : 0;
}

function expect({ lines }, want) {
  const got = lines.join("\n");
  return got.startsWith(want) ? null : `logged ${JSON.stringify(got)}, want ${JSON.stringify(want)}`;
}

// call runs one export in an instance of its own, as the host does.
function call(module, name) {
  const lines = [];
  let memory;
  const text = (ptr, len) => new TextDecoder().decode(new Uint8Array(memory.buffer, ptr, len));
  const host = {
    log: (level, ptr, len) => void lines.push(`${level} ${text(ptr, len)}`),
    body_size: () => 0n,
    random_get: (ptr, len) => (new Uint8Array(memory.buffer, ptr, len).fill(1), 0),
    clock_time_get: (id, precision, ptr) => (new DataView(memory.buffer).setBigInt64(ptr, 1000000000000000000n, true), 0),
  };
  const imports = {};
  for (const { module: from, name: fn } of WebAssembly.Module.imports(module)) {
    imports[from] ??= {};
    imports[from][fn] = host[fn] ?? (() => { throw new Error(`${fn} is not for these tests`); });
  }
  try {
    const { exports } = new WebAssembly.Instance(module, imports);
    memory = exports.memory;
    exports._initialize?.();
    exports[name]();
    return { lines, error: null };
  } catch (error) {
    return { lines, error: lines.at(-1) ?? String(error) };
  }
}
