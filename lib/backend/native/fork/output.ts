/** Ends when standard output and error have passed on all that was written to them. */
export async function flushed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    // Who reads may be gone: then the callback comes with an error.
    while (isBuffered(stream)) await new Promise((resolve) => stream.write('', resolve));
  }
}

/** Whether a copy of this process would write something once more. */
export function isUnflushed(): boolean {
  return isBuffered(process.stdout) || isBuffered(process.stderr);
}

function isBuffered(stream: NodeJS.WriteStream): boolean {
  return stream.writable && stream.writableLength > 0;
}
