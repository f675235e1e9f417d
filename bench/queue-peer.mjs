export function producer(queue, ready, count) {
  const message = Buffer.alloc(64, 1);
  ready.putSync(true);
  for (let i = 0; i < count; i++) queue.putSync(message);
}

export function batchProducer(queue, ready, count) {
  const messages = Array.from({ length: 64 }, () => Buffer.alloc(64, 1));
  ready.putSync(true);
  for (let left = count; left > 0; left -= 64)
    queue.putManySync(left >= 64 ? messages : messages.slice(0, left));
}
