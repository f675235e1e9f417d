// Lesson 1: a dozen processes, made in the three ways, and joined.
//   node examples/javascript/1-processes.mjs
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { activeChildren, currentProcess, isMainProcess, parentProcess, Process } from 'forkful';

// The first way: a function. A child finds it by its module and name, so it must be exported.
export async function introduce(madeFrom) {
  const { name } = currentProcess();
  console.log(
    `${name.padEnd(11)} pid ${process.pid}, process.ppid ${process.ppid}, ` +
      `parentProcess().pid ${parentProcess()?.pid}, made from ${madeFrom}`,
  );
  await sleep(3000); // long enough to be seen in the process tree
}

// The second way: an object with run(). Its fields travel with it.
export class Guest {
  constructor(city) {
    this.city = city;
  }

  run() {
    return introduce(`an object with run(), from ${this.city}`);
  }
}

// The third way: a subclass of Process that overrides run().
export class Job extends Process {
  constructor(number) {
    super({ name: `Job-${number}` });
    this.number = number;
  }

  async run() {
    await introduce(`a subclass, number ${this.number}`);
  }
}

/** Shows this process and everything below it. */
function showTree() {
  const processes = listProcesses();
  const show = ({ pid, command }, depth) => {
    console.log(`  ${'   '.repeat(depth)}${depth > 0 ? '└─ ' : ''}${pid} ${command}`);
    for (const child of processes.filter(({ ppid }) => ppid === pid)) show(child, depth + 1);
  };
  show({ pid: process.pid, command: 'this process' }, 0);
}

function listProcesses() {
  if (process.platform === 'linux') {
    return readdirSync('/proc').flatMap((pid) => {
      try {
        const [, command, ppid] = /\((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
        return [{ pid: Number(pid), ppid: Number(ppid), command }];
      } catch {
        return []; // not a process, or it has just ended
      }
    });
  }
  if (process.platform === 'win32') {
    return activeChildren().map(({ pid, name }) => ({ pid, ppid: process.pid, command: name }));
  }
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).trim().split('\n');
  return lines.map((line) => {
    const [pid, ppid, ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), ppid: Number(ppid), command: command.join(' ') };
  });
}

// A child imports this module too, to find what it is to run: only the main program may start processes.
if (isMainProcess) {
  console.log(`${currentProcess().name}: pid ${process.pid}`);
  const processes = [];
  for (let i = 1; i <= 4; i++) {
    processes.push(new Process({ target: introduce, args: ['a function'] }));
    processes.push(new Process({ target: new Guest(['Delft', 'Porto', 'Ghent', 'Turin'][i - 1]) }));
    processes.push(new Job(i));
  }
  for (const p of processes) await p.start();

  await sleep(2000);
  console.log('\nThe process tree while they run:');
  showTree();

  for (const p of processes) await p.join();
  console.log(
    `\nAll ${processes.length} have ended; exit codes: ${processes.map((p) => p.exitCode).join(' ')}`,
  );
}
