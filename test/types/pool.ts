/** Types that Pool infers from functions. Checked by `npm run check:types`, never run. */
import { type AsyncResult, type Pool, inline, ref } from 'forkful';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Takes values of exactly this type. */
declare function takes<T>(): <U>(value: U, ...same: Equal<T, U> extends true ? [] : [never]) => void;

declare const pool: Pool;
declare function area(width: number, height: number): number;
declare function load(path: string): Promise<{ readonly size: number }>;
declare function count(to: number): Generator<bigint>;
declare function follow(path: string): AsyncGenerator<string>;
declare class Scale {
  run(x: number): Promise<string>;
}

export async function check(): Promise<void> {
  takes<number>()(await pool.apply(area, [1, 2]));
  const loaded = await pool.apply(load, ['x']);
  takes<{ readonly size: number }>()(loaded);
  const settled = await pool.apply(area, [1, 2], { settled: true });
  takes<PromiseSettledResult<number>>()(settled);
  const result = pool.applyAsync(load, ['x'], { callback: ({ size }) => size, key: 'x' });
  takes<AsyncResult<{ readonly size: number }>>()(result);
  const sync = pool.applySync(load, ['x']);
  takes<{ readonly size: number }>()(sync);
  const all = await pool.map(load, ['x', 'y']);
  takes<{ readonly size: number }[]>()(all);
  const every = await pool.map(load, follow('x'), { settled: true });
  takes<PromiseSettledResult<{ readonly size: number }>[]>()(every);
  const areas = await pool.starmap(area, [[1, 2]]);
  takes<number[]>()(areas);
  for await (const each of pool.imap(load, ['x'])) takes<{ readonly size: number }>()(each);
  for (const each of pool.imapSync(load, ['x'])) takes<{ readonly size: number }>()(each);
  for await (const each of pool.stream(count, [3])) takes<bigint>()(each);
  for await (const each of pool.stream(follow, ['x'])) takes<string>()(each);
  const everywhere = await pool.broadcast(area, [1, 2]);
  takes<number[]>()(everywhere);
  const wrapped = pool.wrap(area);
  takes<(width: number, height: number) => Promise<number>>()(wrapped);
  const scaled = await pool.apply(new Scale(), [1]);
  takes<string>()(scaled);
  const inlined = await pool.apply(
    inline((x: number) => `${x}`),
    [1],
  );
  takes<string>()(inlined);
  const referred = await pool.apply(ref<typeof load>('./x.js', 'load'), ['x']);
  takes<{ readonly size: number }>()(referred);

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
