// Real programs that know nothing of forkful, with the original below them and with the adapter in its place. Each file
// here whose name begins with "client-" has a default export that does one, and throws unless both do the same.
import { readdirSync } from 'node:fs';

const folder = new URL('.', import.meta.url);
const clients = readdirSync(folder).filter((name) => name.startsWith('client-'));
const only = process.argv.slice(2);
for (const client of clients.sort()) {
  const name = client.slice('client-'.length, -'.mjs'.length);
  if (only.length > 0 && !only.includes(name)) continue;
  const { default: run } = await import(new URL(client, folder));
  await run();
}
