import type { Wait } from '../backend';
import type { Client } from './client';
import type { Frame } from './frames';
import type { Pending } from '../pending';

/**
 * Something that the hub grants when it can, and answers at once when it is called off: only the hub knows whether that
 * came too late. `judge` says of the answer whether it was granted, or throws.
 */
export interface Petition {
  /** Asks; if not `waits` the hub answers at once. */
  readonly post: (request: number, waits: boolean) => void;
  readonly callOff: (request: number) => void;
  readonly judge: (answer: Frame | undefined) => boolean;
}

/** Resolves when it is granted; else rejects with the reason for which it was called off. */
export function petition(
  client: Client,
  pending: Pending,
  handle: object,
  wait: Wait,
  { post, callOff, judge }: Petition,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let calledOff: { readonly error: unknown } | undefined;
    let leave: () => void = () => undefined;
    const request = client.request((frame) => {
      client.finish(request);
      if (calledOff === undefined) leave();
      else client.hold(-1);
      try {
        if (judge(frame)) resolve();
        else reject(calledOff === undefined ? wait.timedOut() : calledOff.error);
      } catch (error) {
        reject(error);
      }
    });
    post(request, wait.timeout > 0);
    const giveUp = (error: unknown) => {
      calledOff = { error };
      client.hold(1); // until the answer is there
      if (client.gone) return;
      callOff(request);
    };
    leave = pending.add(
      { attempt: () => false, reject: giveUp },
      wait.timeout > 0 ? wait : { ...wait, timeout: Infinity },
      handle,
    );
  });
}

/** Like {@link petition}, and blocks the thread for at most `timeout` ms: whether it was granted. */
export function petitionSync(client: Client, timeout: number, { post, callOff, judge }: Petition): boolean {
  const answers: (Frame | undefined)[] = [];
  const request = client.request((frame) => {
    client.finish(request);
    answers.push(frame);
  });
  const isAnswered = () => answers.length > 0;
  post(request, timeout > 0);
  if (timeout > 0 && !client.runUntil(isAnswered, timeout)) callOff(request);
  client.runUntil(isAnswered, Infinity);
  return judge(answers[0]);
}
