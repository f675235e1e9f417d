import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

// The contract once more with the start method 'fork': each file in a program of its own, which can be forked.

interface Result {
  readonly name: string;
  readonly skipped: boolean;
  readonly error?: string;
}

const FOLDER = join(__dirname, 'contract');
const RUNNER = join(__dirname, 'fork', 'contract.cjs');
const TIMEOUT = 180_000;
/** What must be there of each file: a runner that found nothing would pass. */
const LEAST = 0.8;

const files = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => basename(file, '.test.ts'));

function run(file: string, report: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--single-threaded', RUNNER, join(FOLDER, `${file}.test.ts`), report],
      { env: { ...process.env, FORKFUL_TEST_METHOD: 'fork' }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT - 5000);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output });
    });
  });
}

/** How many tests a file has in its text, before `each` and loops multiply them. */
function testsIn(file: string): number {
  return (
    readFileSync(join(FOLDER, `${file}.test.ts`), 'utf8').match(/^ *\(?\w*[tT]est\b.*\($/gm)?.length ?? 0
  );
}

test.each(files)(
  'fork: %s',
  async (file) => {
    const folder = mkdtempSync(join(tmpdir(), 'forkful-fork-'));
    try {
      const report = join(folder, 'report');
      const { code, output } = await run(file, report);
      const results = JSON.parse(readFileSync(report, 'utf8')) as Result[];
      const failed = results.filter(({ error }) => error !== undefined);
      if (failed.length > 0 || code !== 0) {
        throw new Error(
          [
            `exit code ${code}`,
            ...failed.map(({ name, error }) => `${name}\n${error}`),
            output.slice(-4000),
          ].join('\n\n'),
        );
      }
      expect(results.filter(({ skipped }) => !skipped).length).toBeGreaterThanOrEqual(
        Math.max(1, Math.floor(testsIn(file) * LEAST)),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  TIMEOUT,
);
