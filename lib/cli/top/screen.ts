const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const CTRL_C = '\x03';

/** A terminal's other screen, which leaves the first one as it was. */
export class Screen {
  readonly #whenLeft: () => void;

  /** @param whenLeft is called when the user wants to leave */
  constructor(whenLeft: () => void) {
    this.#whenLeft = whenLeft;
    process.stdout.write(ENTER);
    // Whatever ends the process: the terminal is as it was.
    process.on('exit', leave);
    process.on('SIGINT', whenLeft).on('SIGTERM', whenLeft);
    process.stdin.on('data', this.#heed);
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
  }

  readonly #heed = (keys: Buffer) => {
    const text = keys.toString();
    if (text.includes('q') || text.includes(CTRL_C)) this.#whenLeft();
  };

  /** As much as there is room for. */
  show(lines: readonly string[]): void {
    const { columns, rows } = process.stdout;
    const shown = lines.slice(0, rows).map((line) => line.slice(0, columns));
    process.stdout.write(`\x1b[H${shown.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
  }

  close(): void {
    process.off('exit', leave);
    process.off('SIGINT', this.#whenLeft).off('SIGTERM', this.#whenLeft);
    process.stdin.off('data', this.#heed);
    process.stdin.pause();
    leave();
  }
}

function leave(): void {
  if (process.stdin.isTTY) process.stdin.setRawMode(false);
  process.stdout.write(LEAVE);
}
