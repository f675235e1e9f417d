import { whileImporting } from '../current';
import { instantiate, load, type Callable, type TargetReference } from '../function-ref';

/** @throws FunctionReferenceError if it cannot be found here */
export async function callable(reference: TargetReference): Promise<Callable> {
  const loaded = await whileImporting(() => load(reference));
  if ('call' in loaded) return loaded.call;
  const object = instantiate(loaded.Class, loaded.fields);
  return (...args) => object.run(...args);
}

/** A function that tasks name. Loaded by the first of them: what that takes is within the task's time. */
export class KnownFunction {
  call: Callable | undefined;
  error: unknown;
  readonly #reference: TargetReference;
  #loading: Promise<void> | undefined;

  constructor(reference: TargetReference) {
    this.#reference = reference;
  }

  /** Then either `call` or `error` is set. */
  load(): Promise<void> {
    return (this.#loading ??= callable(this.#reference).then(
      (call) => {
        this.call = call;
      },
      (error: unknown) => {
        this.error = error;
      },
    ));
  }
}
