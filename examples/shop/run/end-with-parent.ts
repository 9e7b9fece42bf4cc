/** Loaded into every process of the example: none outlives the one that started it. */
process.on('disconnect', () => {
  // Nobody reads any more what it writes while it ends in order.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  process.kill(process.pid, 'SIGTERM');
});
process.channel?.unref();
