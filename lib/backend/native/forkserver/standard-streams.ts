import { isatty } from 'node:tty';
import { addon } from '../addon';

/** Node's handle of stdout or stderr. */
interface StandardStream {
  readonly fd: number;
  readonly isTTY?: boolean;
  readonly _isStdio?: boolean;
  readonly _handle?: { readonly fd?: number };
}

/** stdout and stderr, if somebody has looked at them already: asking for them would make them what they are here. */
function standardStreams(): StandardStream[] {
  const handles = (process as { _getActiveHandles?: () => StandardStream[] })._getActiveHandles?.() ?? [];
  return handles.filter(({ _isStdio }) => _isStdio === true);
}

/** What process.getActiveResourcesInfo() calls them. */
export function standardResources(): string[] {
  return standardStreams().map(({ _handle }) => `${_handle?.constructor.name ?? ''}Wrap`);
}

/**
 * In a forked child whose standard streams are not those of its forkserver. A stream on a terminal has opened it once
 * more, under a number of its own, and would go on to write there.
 */
export function followStandardDescriptors(): void {
  for (const stream of standardStreams()) {
    const own = stream._handle?.fd ?? -1;
    if (own > 2) addon.redirect(stream.fd, own);
    if (stream.isTTY === true && !isatty(stream.fd)) Object.defineProperty(stream, 'isTTY', { value: false });
  }
}
