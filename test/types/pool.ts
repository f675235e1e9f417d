/** Types that Pool infers from functions. Checked by `npm run check:types`, never run. */
import { type AsyncResult, type Pool, inline, ref } from 'forkful';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function is<T extends true>(): T | undefined {
  return undefined;
}

declare const pool: Pool;
declare function area(width: number, height: number): number;
declare function load(path: string): Promise<{ readonly size: number }>;
declare function count(to: number): Generator<bigint>;
declare function follow(path: string): AsyncGenerator<string>;
declare class Scale {
  run(x: number): Promise<string>;
}

export async function check(): Promise<void> {
  is<Equal<Awaited<ReturnType<typeof one>>, number>>();
  const one = () => pool.apply(area, [1, 2]);
  const loaded = await pool.apply(load, ['x']);
  is<Equal<typeof loaded, { readonly size: number }>>();
  const settled = await pool.apply(area, [1, 2], { settled: true });
  is<Equal<typeof settled, PromiseSettledResult<number>>>();
  const result = pool.applyAsync(load, ['x'], { callback: ({ size }) => size, key: 'x' });
  is<Equal<typeof result, AsyncResult<{ readonly size: number }>>>();
  const sync = pool.applySync(load, ['x']);
  is<Equal<typeof sync, { readonly size: number }>>();
  const all = await pool.map(load, ['x', 'y']);
  is<Equal<typeof all, { readonly size: number }[]>>();
  const every = await pool.map(load, follow('x'), { settled: true });
  is<Equal<typeof every, PromiseSettledResult<{ readonly size: number }>[]>>();
  const areas = await pool.starmap(area, [[1, 2]]);
  is<Equal<typeof areas, number[]>>();
  for await (const each of pool.imap(load, ['x'])) is<Equal<typeof each, { readonly size: number }>>();
  for (const each of pool.imapSync(load, ['x'])) is<Equal<typeof each, { readonly size: number }>>();
  for await (const each of pool.stream(count, [3])) is<Equal<typeof each, bigint>>();
  for await (const each of pool.stream(follow, ['x'])) is<Equal<typeof each, string>>();
  const everywhere = await pool.broadcast(area, [1, 2]);
  is<Equal<typeof everywhere, number[]>>();
  const wrapped = pool.wrap(area);
  is<Equal<typeof wrapped, (width: number, height: number) => Promise<number>>>();
  const scaled = await pool.apply(new Scale(), [1]);
  is<Equal<typeof scaled, string>>();
  const inlined = await pool.apply(
    inline((x: number) => `${x}`),
    [1],
  );
  is<Equal<typeof inlined, string>>();
  const referred = await pool.apply(ref<typeof load>('./x.js', 'load'), ['x']);
  is<Equal<typeof referred, { readonly size: number }>>();

  // @ts-expect-error -- too few arguments
  await pool.apply(area, [1]);
  // @ts-expect-error -- of the wrong type
  await pool.map(load, [1]);
  // @ts-expect-error -- async input needs a form that does not block
  pool.mapSync(load, follow('x'));
  // @ts-expect-error -- no such option
  await pool.apply(area, [1, 2], { timeout: 5 });
  // @ts-expect-error -- a callback takes the result
  pool.applyAsync(area, [1, 2], { callback: (text: string) => text });
}
