/** Loaded into every process of the example: none outlives the one that started it. */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();
