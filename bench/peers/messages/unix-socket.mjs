import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventChannelCases } from './event-channel.mjs';
import { answerWith } from './messages.mjs';

/** What one writes by hand: four bytes of length, one that tells Buffers from JSON, then the bytes. */
const HEADER = 5;

function encode(message) {
  const isBuffer = Buffer.isBuffer(message);
  const body = isBuffer ? message : Buffer.from(JSON.stringify(message));
  const frame = Buffer.allocUnsafe(HEADER + body.length);
  frame.writeUInt32LE(body.length, 0);
  frame[4] = isBuffer ? 1 : 0;
  body.copy(frame, HEADER);
  return frame;
}

/** Calls the listener with each message of a stream; large ones are put together once, when all of them is there. */
function decoder(listener) {
  let parts = [];
  let length = 0;
  let wanted = HEADER;
  return (part) => {
    parts.push(part);
    length += part.length;
    if (length < wanted) return;
    const bytes = parts.length === 1 ? part : Buffer.concat(parts, length);
    let at = 0;
    for (wanted = HEADER; length - at >= HEADER; at += wanted, wanted = HEADER) {
      wanted = HEADER + bytes.readUInt32LE(at);
      if (length - at < wanted) break;
      const body = bytes.subarray(at + HEADER, at + wanted);
      listener(bytes[at + 4] === 1 ? body : JSON.parse(body));
    }
    parts = [bytes.subarray(at)];
    length -= at;
  };
}

async function open() {
  const path = join(tmpdir(), `forkful-bench-${process.pid}.sock`);
  const server = createServer().listen(path);
  await once(server, 'listening');
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), path], { stdio: 'inherit' });
  const [socket] = await once(server, 'connection');
  rmSync(path, { force: true });
  let listener;
  socket.on(
    'data',
    decoder((message) => listener(message)),
  );
  return {
    pid: child.pid,
    send: (message) => socket.write(encode(message)),
    onMessage: (next) => (listener = next),
    close() {
      socket.destroy();
      server.close();
      child.kill('SIGKILL');
    },
  };
}

export const ownFraming = eventChannelCases(open);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const socket = connect(process.argv[2]);
  const answer = answerWith((message) => socket.write(encode(message)));
  socket.on('data', decoder(answer)).on('close', () => process.exit());
}
