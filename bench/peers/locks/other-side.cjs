'use strict';

/** Acquires and releases until told to end; how often, and for how long (ms). */
exports.contend = (lock, started, ended) => {
  started.release();
  let count = 0;
  const begun = performance.now();
  while (!ended.isSet()) {
    for (let i = 0; i < 1000; i++) {
      lock.acquireSync();
      lock.release();
    }
    count += 1000;
  }
  return [count, performance.now() - begun];
};

/** Says that it has what it was given; null ends it. */
exports.take = (connection) => {
  for (;;) {
    const given = connection.recvSync();
    if (given === null) return;
    given.close?.();
    connection.sendSync(0);
  }
};
