// `npm run model` explores the models of the protocols of queue, lock, semaphore, event, condition and barrier (test/model) with Spin and says what is expected of each
// configuration: the protocol as built is clean, each broken order is found. --quick leaves out what takes minutes.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const MEMORY_MIB = { quick: 5500, full: 5500, deep: 12_000 };
const DEPTH = { quick: 2_000_000, full: 20_000_000, deep: 50_000_000 };

const one = { PRODUCERS: 1, CONSUMERS: 1 };
const twoProducers = { PRODUCERS: 2, CONSUMERS: 1 };
const twoConsumers = { PRODUCERS: 1, CONSUMERS: 2 };
const four = { PRODUCERS: 2, CONSUMERS: 2 };
// LOOPING has a bit for each process, producers first.
const loops = ({ PRODUCERS, CONSUMERS }) => ({ LOOPING: 2 ** (PRODUCERS + CONSUMERS) - 1 });

const shut = { SHUT: 1 };
const dropped = { SHUT: 2 };

const clean = (model, settings, more) => ({ model, settings, expected: 'clean', ...more });
const broken = (model, order, settings) => ({ model, settings, order, expected: 'fails' });

const configurations = [
  clean('queue', { ...twoProducers }),
  clean('queue', { ...twoConsumers }),
  clean('queue', { ...twoProducers, ...loops(twoProducers) }),
  clean('queue', { ...twoConsumers, ...loops(twoConsumers) }),
  clean('queue', { ...twoProducers, LOOPING: 0b010 }, { full: true }),
  clean('queue', { ...twoConsumers, LOOPING: 0b100 }, { full: true }),
  clean('queue', { ...four, RESPAWN: 0 }),
  broken('queue', 'WAKE_AFTER_UNLOCK', one),
  broken('queue', 'WAKE_AFTER_COMMIT', one),
  broken('queue', 'SEQUENCE_AFTER_UNLOCK', one),
  broken('queue', 'REGISTER_UNDER_OWN_LOCK', one),
  broken('queue', 'CLEAR_IN_RECOVERY', twoConsumers),
  broken('queue', 'CLEAR_IN_RECOVERY', twoProducers),
  broken('queue', 'NO_EVENT_IN_RECOVERY', { ...twoConsumers, ...loops(twoConsumers) }),
  broken('queue', 'NO_RECLAIM_IN_RECOVERY', one),
  broken('queue', 'SHARED_EVENT', { ...twoProducers, ...loops(twoProducers), KILLS: 0 }),
  broken('queue', 'SHARED_EVENT', { ...twoConsumers, ...loops(twoConsumers), KILLS: 0 }),
  // The opposite lock makes the order of flag and sequence harmless. It matters to who wakes without a lock, which is
  // itself clean for as long as nobody dies.
  clean('queue', { ...twoConsumers }, { order: 'FLAG_BEFORE_SEQUENCE' }),
  clean('queue', { ...twoConsumers, KILLS: 0 }, { order: 'WAKE_AFTER_UNLOCK' }),
  broken('queue', 'WAKE_AFTER_UNLOCK, FLAG_BEFORE_SEQUENCE', { ...twoConsumers, KILLS: 0 }),
  clean('queue', { ...one, ...shut }),
  clean('queue', { ...one, ...dropped }),
  clean('queue', { ...one, ...loops(one), ...shut }),
  clean('queue', { ...one, ...loops(one), ...dropped }),
  broken('queue', 'SHUT_UNDER_ONE_LOCK', { ...one, ...shut }),
  broken('queue', 'SHUT_WAKE_AFTER_UNLOCK', { ...one, ...shut }),
  broken('queue', 'NO_DROP_IN_RECOVERY', { ...one, ...dropped }),
  broken('queue', 'RECORDS_BEFORE_SHUT', { ...one, ...shut }),
  clean('queue', { ...twoProducers, ...shut }, { full: true }),
  clean('queue', { ...twoConsumers, ...dropped }, { full: true }),
  clean('restart', one),
  clean('restart', { ...one, CELLS: 6 }),
  clean('restart', { ...one, CELLS: 6, CHUNK: 1 }),
  clean('restart', twoConsumers),
  broken('restart', 'NO_LIMIT_BEHIND_JUMP', one),
  broken('restart', 'JUMP_INTO_RECORDS', { ...one, CELLS: 6 }),
  broken('restart', 'JUMP_OUT_TWICE', { ...one, CELLS: 6 }),
  broken('restart', 'DISCARD_BEFORE_COMMIT', one),
  broken('restart', 'MOVE_BEFORE_DISCARD', one),
  broken('restart', 'KEEP_OLD_JUMP', one),
  broken('restart', 'NO_RECLAIM_IN_RECOVERY', one),
  broken('restart', 'RELEASE_WITHOUT_LOCK', one),
  clean('lock', { PROCESSES: 2 }),
  clean('lock', { PROCESSES: 2, TIMEOUTS: 1 }),
  clean('lock', { PROCESSES: 3, KILLS: 0 }),
  broken('lock', 'NO_QUEUE_FLAG', { PROCESSES: 2 }),
  broken('lock', 'DROP_QUEUED', { PROCESSES: 2 }),
  broken('lock', 'REGISTER_LATE', { PROCESSES: 2 }),
  broken('lock', 'ROW_BEFORE_WORD', { PROCESSES: 2 }),
  broken('lock', 'ROWS_BEFORE_WORD', { PROCESSES: 2 }),
  clean('semaphore', { PROCESSES: 2 }),
  clean('semaphore', { PROCESSES: 2, INITIAL: 2, OTHERS: 1 }),
  clean('semaphore', { PROCESSES: 2, TIMEOUTS: 1 }),
  clean('semaphore', { PROCESSES: 3, KILLS: 0 }),
  clean('semaphore', { PROCESSES: 3, INITIAL: 2, KILLS: 0 }),
  clean('semaphore', { PROCESSES: 3, TIMEOUTS: 1, KILLS: 0 }),
  clean('semaphore', { PROCESSES: 3 }, { full: true }),
  broken('semaphore', 'NO_STOP', { PROCESSES: 2, KILLS: 0 }),
  broken('semaphore', 'GO_ON_EARLY', { PROCESSES: 2, KILLS: 0 }),
  broken('semaphore', 'GRANT_UNCOUNTED', { PROCESSES: 2 }),
  broken('semaphore', 'HOLD_BEFORE_SPARE', { PROCESSES: 2 }),
  broken('semaphore', 'KEEP_WORD', { PROCESSES: 2 }),
  broken('semaphore', 'NO_LOOK', { PROCESSES: 2 }),
  clean('event', { PROCESSES: 2 }),
  clean('event', { PROCESSES: 3 }),
  broken('event', 'NO_COUNT', { PROCESSES: 2 }),
  broken('event', 'NO_LOOK', { PROCESSES: 2 }),
  clean('condition', { PROCESSES: 2 }),
  clean('condition', { PROCESSES: 3 }),
  broken('condition', 'ENTER_AFTER_LOCK', { PROCESSES: 2 }),
  broken('condition', 'LEAVE_BEFORE_LOCK', { PROCESSES: 2 }),
  broken('condition', 'FORGET_BEFORE_PASSING', { PROCESSES: 3 }),
  broken('condition', 'NO_LOOK', { PROCESSES: 2 }),
  clean('barrier', { PROCESSES: 3 }),
  clean('barrier', { PROCESSES: 3, PARTIES: 2 }),
  clean('barrier', { PROCESSES: 3, TIMEOUTS: 1 }),
  broken('barrier', 'OPEN_UNCHECKED', { PROCESSES: 2, TIMEOUTS: 1 }),
  broken('barrier', 'GONE_WHEN_LATE', { PROCESSES: 2, TIMEOUTS: 1 }),
  broken('barrier', 'NO_LOOK', { PROCESSES: 2 }),
  clean('restart', { ...twoConsumers, CELLS: 6 }, { full: true }),
  clean('restart', { ...twoProducers, CELLS: 6 }, { full: true, deep: true }), // 11 GB of memory
  clean('queue', four, { full: true }),
  clean('queue', { ...four, LOOPING: 0b1010, RESPAWN: 0 }, { full: true }),
  clean('queue', { ...four, ...loops(four), RESPAWN: 0 }, { full: true }),
];

const folder = fileURLToPath(new URL('../test/model', import.meta.url));

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (error) throw new Error(`${command} could not be started: ${error.message}`);
  return { status, output: `${stdout}${stderr}` };
}

function demand(command, args, cwd) {
  const { status, output } = run(command, args, cwd);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${output}`);
}

/** Explores one configuration: 'clean', 'fails', or what kept it from being explored. */
function explore({ model, settings, order, expected, full, deep }, directory) {
  const size = deep ? 'deep' : full ? 'full' : 'quick';
  const definitions = [
    ...Object.entries(settings).map(([name, value]) => `-D${name}=${value}`),
    ...(order === undefined ? [] : order.split(', ').map((name) => `-D${name}`)),
  ];
  demand('spin', ['-a', ...definitions, join(folder, `${model}.pml`)], directory);
  // What is broken is found within moments: then the compiler would take the time.
  const optimize = expected === 'fails' ? '-O0' : '-O1';
  const flags = [optimize, '-w', '-DSAFETY', '-DCOLLAPSE', `-DMEMLIM=${MEMORY_MIB[size]}`];
  demand(process.env.CC ?? 'cc', [...flags, '-o', 'pan', 'pan.c'], directory);
  const { output } = run(join(directory, 'pan'), [`-m${DEPTH[size]}`, '-n'], directory);
  const errors = /errors: (\d+)/.exec(output)?.[1];
  const states = Number(/(\S+) states, stored/.exec(output)?.[1]);
  const cutShort = /.*(search depth too small|out of memory|reached -DMEMLIM).*/.exec(output)?.[0];
  if (errors === '0') return { found: cutShort ?? 'clean', states };
  return { found: /^pan:1: (assertion violated|invalid end state)/m.test(output) ? 'fails' : output, states };
}

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
if (spawnSync('spin', ['-V']).error) {
  console.error(
    'model: expected the model checker Spin on the PATH, found none. Debian, Ubuntu: apt-get install spin; elsewhere: ' +
      'https://spinroot.com',
  );
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), 'forkful-model-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
let surprises = 0;
for (const configuration of configurations.filter(({ full }) => !full || !values.quick)) {
  const started = Date.now();
  const { found, states } = explore(configuration, directory);
  const { model, settings, order, expected } = configuration;
  const name = Object.entries(settings).map(([key, value]) => `${key.toLowerCase()}=${value}`);
  const isExpected = found === expected;
  if (!isExpected) surprises++;
  console.log(
    [
      isExpected ? 'ok' : 'SURPRISE',
      found.padEnd(5),
      `${states.toLocaleString('en').padStart(11)} states`,
      `${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s`,
      `${model} ${name.join(' ')}${order === undefined ? '' : ` ${order}`}`,
    ].join('  '),
  );
}
if (surprises > 0) {
  console.error(`model: ${surprises} of the configurations did not end as expected`);
  process.exit(1);
}
