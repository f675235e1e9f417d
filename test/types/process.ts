/** Types that Process infers from targets, and what it rejects. Checked by `npm run check:types`, never run. */
import { Process, inline, ref, refs } from 'forkful';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Takes values of exactly this type. */
declare function takes<T>(): <U>(value: U, ...same: Equal<T, U> extends true ? [] : [never]) => void;

declare function area(width: number, height: number): number;
declare class Scale {
  run(x: number): Promise<string>;
}
interface Work {
  add(a: number, b: number): number;
  load(path: string, retries?: number): Promise<{ readonly size: number }>;
  readonly version: string;
}

export async function check(): Promise<void> {
  takes<number>()(await new Process({ target: area, args: [1, 2] }).result());
  const scaled = await new Process({ target: new Scale(), args: [1] }).result();
  takes<string>()(scaled);
  takes<number>()(await new Process({ target: inline((x: number) => x + 1), args: [1] }).result());

  // What is named is typed as what is given.
  const work = refs<Work>(new URL('file:///work.js'));
  takes<number>()(await new Process({ target: work.add, args: [1, 2] }).result());
  const loaded = await new Process({ target: work.load, args: ['x'] }).result();
  takes<{ readonly size: number }>()(loaded);
  await new Process({ target: work.load, args: ['x', 3] }).start();
  await new Process({ target: refs<typeof import('./pool')>('package').check, args: [] }).start();
  await new Process({ target: ref('package', 'anything'), args: [1, 'two'] }).start();

  // @ts-expect-error -- an argument of the wrong type
  new Process({ target: work.add, args: [1, '2'] });
  // @ts-expect-error -- an argument is missing
  new Process({ target: work.add, args: [1] });
  // @ts-expect-error -- an argument too many
  new Process({ target: work.load, args: ['x', 3, 4] });
  // @ts-expect-error -- no such export
  new Process({ target: work.subtract, args: [1, 2] });
  // @ts-expect-error -- not a function
  new Process({ target: work.version });
  // @ts-expect-error -- an argument of the wrong type
  new Process({ target: area, args: ['1', 2] });
  // @ts-expect-error -- of an object's run()
  new Process({ target: new Scale(), args: ['1'] });
  // @ts-expect-error -- none of the kinds
  new Process({ stdio: 'pipes' });
}
