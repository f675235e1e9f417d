import { StringDecoder } from 'node:string_decoder';
import { whenForked } from './forked';

type Done = (error?: Error | null) => void;

/**
 * From now on each line of this process's stdout and stderr begins with `prefix`. A line is written when it is complete,
 * and at once, so that those of several processes do not mix; what is left of the last one when the process exits.
 */
export function prefixLines(prefix: string): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    whenForked(() => {
      stream.write = write; // the prefix is this process's alone
    });
    const decoder = new StringDecoder('utf8');
    let rest = '';
    const take = (chunk: Uint8Array | string, encoding: BufferEncoding | undefined): string => {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk);
      const lines = (rest + decoder.write(bytes)).split('\n');
      rest = lines.pop() ?? '';
      return lines.map((line) => `${prefix}${line}\n`).join('');
    };
    stream.write = (chunk: Uint8Array | string, encoding?: BufferEncoding | Done, done?: Done): boolean => {
      const [coding, told] = typeof encoding === 'function' ? [undefined, encoding] : [encoding, done];
      return write(take(chunk, coding), told);
    };
    process.on('exit', () => {
      if (rest !== '') write(`${prefix}${rest}\n`);
      rest = '';
    });
  }
}
