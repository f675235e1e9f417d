/**
 * Memory that other processes see too: views of it are sent by handle, not copied. Whoever owns such memory says here
 * what is sent in their place.
 */

type View = ArrayBufferLike | ArrayBufferView;

const describers = new WeakMap<object, (view: View) => object>();
let any = false;

/** @param describe gives the object, with a method {@link HANDLE}, that travels instead of a view of the buffer */
export function registerSharedBuffer(buffer: ArrayBuffer, describe: (view: View) => object): void {
  describers.set(buffer, describe);
  any = true;
}

/** What to send instead; undefined for a view, or a buffer, of ordinary memory. */
export function sharedViewHandle(view: View): object | undefined {
  if (!any) return undefined; // most programs have none, and ask for each Buffer that they send
  return describers.get(ArrayBuffer.isView(view) ? view.buffer : view)?.(view);
}
