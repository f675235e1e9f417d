// Lesson 4: a Pipe has two ends; both can send and receive. And what happens when one end dies.
//   node --import tsx examples/typescript/4-pipe.mts
import { BrokenPipeError, type Connection, EndOfFileError, isMainProcess, Pipe, Process } from 'forkful';

/** Answers questions until the other end is closed. */
export async function oracle(connection: Connection<string>): Promise<void> {
  for await (const question of connection) {
    await connection.send(`${question} Ask again later.`);
  }
  console.log('  the child sees that our end is closed, and ends');
}

/** Says two words, then waits for an answer that never comes. */
export async function doomed(connection: Connection<string>): Promise<void> {
  await connection.send('one');
  await connection.send('two');
  await connection.recv();
}

if (isMainProcess) {
  console.log('Both ends used');
  const [ours, theirs] = Pipe<string>();
  const child = new Process({ target: oracle, args: [theirs] });
  await child.start();
  theirs.close(); // the child has its own; while we hold it too, it would never count as closed
  for (const question of ['Will it rain?', 'Will it scale?']) {
    await ours.send(question);
    console.log(`  ${await ours.recv({ timeout: 5000 })}`);
  }
  ours.close();
  await child.join();

  console.log('\nOne end dies');
  const [here, there] = Pipe<string>();
  const victim = new Process({ target: doomed, args: [there] });
  await victim.start();
  there.close();
  console.log(`  it says: ${await here.recv({ timeout: 5000 })}`);
  await here.poll({ timeout: 5000 }); // its second word is on the way
  victim.kill();
  await victim.join();
  console.log(`  killed; its exit code is ${victim.exitCode}`);
  console.log(`  what it sent before is still there: ${await here.recv()}`);
  try {
    await here.recv();
  } catch (error) {
    if (!(error instanceof EndOfFileError)) throw error;
    console.log(`  then recv() rejects with ${error.name} (${error.code})`);
  }
  try {
    await here.send('hello?');
  } catch (error) {
    if (!(error instanceof BrokenPipeError)) throw error;
    console.log(`  and send() rejects with ${error.name} (${error.code})`);
  }
}
