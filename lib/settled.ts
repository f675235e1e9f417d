import { within } from './within';

/** Whether the promise has settled within the time; rejects with the reason of the signal, never with that of the promise. */
export function settlesWithin(
  promise: Promise<unknown>,
  limits: { readonly timeout: number; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  return within(
    limits,
    () => false,
    (resolve) => {
      const onSettled = () => {
        resolve(true);
      };
      promise.then(onSettled, onSettled);
      return () => undefined;
    },
  );
}
