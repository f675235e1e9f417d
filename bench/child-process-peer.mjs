const message = Buffer.alloc(64, 1);
process.on('message', (count) => {
  for (let i = 0; i < count; i++) process.send(message);
});
process.send('ready');
