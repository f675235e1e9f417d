import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cachedDataVersionTag, setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';

const BUNDLE = join(__dirname, 'library.js');
/** Of this Node with these flags, on this kind of processor. */
const CACHE = join(__dirname, 'code-cache', `${cachedDataVersionTag().toString(16)}.bin`);
const DIGEST_BYTES = 32;

type Wrapper = (
  exports: unknown,
  require: NodeJS.Require,
  module: Module,
  filename: string,
  directory: string,
) => void;

/**
 * Loads the bundle, for the programs of children and forkservers, from the code that V8 has compiled for the first of
 * them, which costs a fraction of compiling it again; in whole, because what a forkserver itself never calls each of its
 * children would have to compile. The cache lies beside the code it stands for, so that who could forge it could forge
 * the code as well; where that cannot be written to, and where Node's own cache is unwanted, all is loaded as usual.
 */
export function loadLibrary(): void {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_V8_COVERAGE } = process.env; // the latter counts what is compiled here
  if (NODE_DISABLE_COMPILE_CACHE !== undefined || NODE_V8_COVERAGE !== undefined) return;
  const source = readFileSync(BUNDLE);
  const cached = read(source);
  if (cached !== undefined) {
    const script = compile(source, cached);
    if (script.cachedDataRejected !== true) {
      run(script);
      return;
    }
  }
  try {
    mkdirSync(dirname(CACHE), { recursive: true });
    writeFileSync(CACHE, ''); // before the work is done: it may be for nothing
  } catch {
    return;
  }
  setFlagsFromString('--no-lazy');
  const script = compile(source);
  setFlagsFromString('--lazy');
  run(script);
  const data = script.createCachedData();
  try {
    writeFileSync(CACHE, Buffer.concat([digest(source, data), data]));
  } catch {
    // The disk is full: what has been written is not taken for whole.
  }
}

/** V8 believes what it is given, and compares nothing but the length of the source. */
function digest(source: Buffer, data: Buffer): Buffer {
  return createHash('sha256').update(source).update(data).digest();
}

/** Nothing if there is none, or of another source, or if its writer was interrupted or not alone. */
function read(source: Buffer): Buffer | undefined {
  let file: Buffer;
  try {
    file = readFileSync(CACHE);
  } catch {
    return undefined;
  }
  const data = file.subarray(DIGEST_BYTES);
  return digest(source, data).equals(file.subarray(0, DIGEST_BYTES)) ? data : undefined;
}

function compile(source: Buffer, cachedData?: Buffer): Script {
  // The bundler escapes what is not ASCII.
  const text = `(function (exports, require, module, __filename, __dirname) {${source.toString('latin1')}\n})`;
  return new Script(text, { filename: BUNDLE, ...(cachedData !== undefined && { cachedData }) });
}

function run(script: Script): void {
  const module = new Module(BUNDLE);
  module.filename = BUNDLE;
  const wrapper = script.runInThisContext() as Wrapper;
  wrapper(module.exports, createRequire(BUNDLE), module, BUNDLE, __dirname);
  module.loaded = true;
  require.cache[BUNDLE] = module;
}
