import type { Target } from '../process';

/** The arguments that a target takes. */
export type ArgsOf<F> = F extends (...args: infer A) => unknown
  ? A
  : F extends { run(...args: infer A): unknown }
    ? A
    : unknown[];

/** What a target returns, or its promise resolves with. */
export type ResultOf<F> = F extends (...args: never[]) => infer R
  ? Awaited<R>
  : F extends { run(...args: never[]): infer R }
    ? Awaited<R>
    : unknown;

/** What a map hands to a target. */
export type ItemOf<F> = ArgsOf<F> extends readonly [] ? unknown : ArgsOf<F>[0];

/** What the iterable yields that a target returns. */
export type YieldOf<F> =
  ResultOf<F> extends Iterable<infer T> ? T : ResultOf<F> extends AsyncIterable<infer T> ? T : unknown;

export type Input<T> = Iterable<T> | AsyncIterable<T>;

/** An options object that asks for PromiseSettledResults. */
export interface Settled {
  readonly settled: true;
}

/** The function that {@link Pool.wrap} makes. */
export type Wrapped<F extends Target> = (...args: ArgsOf<F>) => Promise<ResultOf<F>>;
