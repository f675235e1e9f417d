// run-case.mjs JSON: one measurement in a process of its own, so that nothing that ran before is in its way, and so
// that it can be pinned. Prints the result as its last line.
import { pin, pinSelf } from './environment.mjs';

const { module, peer, name, parameters, placement = 'free', cpus = [] } = JSON.parse(process.argv[2]);

// The other side is born on the second CPU and this one moves away once it is there: so both know from the start that
// they have a single one and sleep at once. To see them spin, both are moved late.
const apart = {
  free: () => {},
  same: () => {},
  cross: () => pinSelf(cpus[0]),
  spinning: (pid) => {
    pinSelf(cpus[0]);
    pin(pid, cpus[1]);
  },
};
if (placement === 'same') pinSelf(cpus[0]);
if (placement === 'cross') pinSelf(cpus[1]);

const { [peer]: cases } = await import(new URL(module, new URL('./peers/', import.meta.url)));
const result = await cases[name](parameters, apart[placement]);
process.stdout.write(`\n${JSON.stringify(result)}\n`, () => process.exit());
