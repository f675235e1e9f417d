import { backend } from '../backend';
import type { Channel, Share } from '../backend/backend';
import { decodeMessage } from '../user-message';
import { queueSettings, type QueueOptions, type QueueSettings } from './options';

/** A transport for a queue object that is being made; given to its constructor in place of options. */
export class OpenedQueue implements QueueSettings {
  readonly channel: Channel<unknown>;
  readonly maxsize: number;
  readonly capacity: number;
  readonly flushTimeout: number;

  private constructor(channel: Channel<unknown>, { maxsize, capacity, flushTimeout }: QueueSettings) {
    this.channel = channel;
    this.maxsize = maxsize;
    this.capacity = capacity;
    this.flushTimeout = flushTimeout;
  }

  /** What was opened already, or a new one. */
  static from(options: number | QueueOptions, joinable: boolean): OpenedQueue {
    if (options instanceof OpenedQueue) return options;
    const settings = queueSettings(options);
    const { maxsize, capacity } = settings;
    return new OpenedQueue(
      backend.createChannel({ maxItems: maxsize, maxBytes: capacity, joinable }, decodeMessage),
      settings,
    );
  }

  /** That of another process. */
  static open(share: Share, details: Readonly<Record<string, unknown>>): OpenedQueue {
    const number = (key: keyof QueueSettings) => Number(details[key]);
    return new OpenedQueue(backend.openChannel(share, decodeMessage), {
      maxsize: number('maxsize'),
      capacity: number('capacity'),
      flushTimeout: number('flushTimeout'),
    });
  }
}
