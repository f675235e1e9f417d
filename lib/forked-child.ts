import type { ForkedBody } from './backend/backend';
import { live, type Appearance } from './child-life';
import type { runChild as RunChild } from './child';
import { afterForkInParent, beforeFork } from './on-fork';

const hooks = { before: beforeFork, inParent: afterForkInParent };

/** A forked child that has everything it needs: the heap of its parent. */
export function bodyOf(as: Appearance, act: () => unknown): ForkedBody {
  return { ...hooks, inChild: (connect) => live(connect(() => undefined).link, as, act) };
}

/** A forked child that takes orders like any other: a pool's worker, to which the pool's ends are closed. */
export function bodyByOrders(): ForkedBody {
  let run: typeof RunChild;
  return {
    ...hooks,
    async before() {
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- imports what leads here; loaded once, by the parent
      ({ runChild: run } = require('./child') as { runChild: typeof RunChild });
      await beforeFork();
    },
    inChild: (connect) => run(connect),
  };
}
