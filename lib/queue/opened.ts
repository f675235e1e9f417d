import { backend } from '../backend';
import type { Channel, ChannelOptions, Share } from '../backend/backend';
import { InvalidArgumentError } from '../errors';
import { decodeMessage } from '../user-message';
import { queueSettings, type QueueOptions, type QueueSettings } from './options';

/** A transport for a queue object that is being made; given to its constructor in place of options. */
export class OpenedQueue implements QueueSettings {
  readonly channel: Channel<unknown>;
  readonly maxsize: number;
  readonly capacity: number;
  readonly flushTimeout: number;
  readonly name: string | undefined;
  readonly exclusive: boolean;

  private constructor(channel: Channel<unknown>, settings: QueueSettings) {
    this.channel = channel;
    this.maxsize = settings.maxsize;
    this.capacity = settings.capacity;
    this.flushTimeout = settings.flushTimeout;
    this.name = settings.name;
    this.exclusive = settings.exclusive;
  }

  /** What was opened already, or a new one; of a name perhaps another program's. */
  static from(options: number | QueueOptions, joinable: boolean): OpenedQueue {
    if (options instanceof OpenedQueue) return options;
    const settings = queueSettings(options);
    const { maxsize, capacity, name, exclusive } = settings;
    const wanted = { maxItems: maxsize, maxBytes: capacity, joinable };
    if (name === undefined) return new OpenedQueue(backend.createChannel(wanted, decodeMessage), settings);
    const { channel, bounds } = backend.nameChannel(name, exclusive, wanted, decodeMessage);
    try {
      checkBounds(name, wanted, bounds);
    } catch (error) {
      channel.close();
      throw error;
    }
    return new OpenedQueue(channel, { ...settings, maxsize: bounds.maxItems, capacity: bounds.maxBytes });
  }

  /** That of another process. */
  static open(share: Share, details: Readonly<Record<string, unknown>>): OpenedQueue {
    const { maxsize, capacity, flushTimeout, name } = details;
    const settings = queueSettings({ maxsize, capacity, flushTimeout, name } as QueueOptions);
    return new OpenedQueue(backend.openChannel(share, decodeMessage, settings.name), settings);
  }
}

/** Whoever says nothing about bounds takes those that there are. */
function checkBounds(name: string, wanted: ChannelOptions, found: ChannelOptions): void {
  const kind = ({ joinable }: ChannelOptions) => (joinable ? 'JoinableQueue' : 'Queue');
  if (wanted.joinable !== found.joinable) {
    throw new InvalidArgumentError(
      `expected a ${kind(wanted)} of the name ${JSON.stringify(name)}, but there is a ${kind(found)}; use the same ` +
        'class in all programs, or another name',
    );
  }
  for (const [option, mine, theirs] of [
    ['maxsize', wanted.maxItems, found.maxItems],
    ['capacity', wanted.maxBytes, found.maxBytes],
  ] as const) {
    if (mine === 0 || mine === theirs) continue;
    throw new InvalidArgumentError(
      `expected the queue ${JSON.stringify(name)} with ${option} ${mine}, but it has been made with ` +
        `${theirs === 0 ? 'none' : theirs}; give the same ${option} in all programs, or leave it out`,
    );
  }
}
