// Mocha leaves them out, and in a real process each of them would be the end of it.
process.on('unhandledRejection', (reason) => {
  throw reason;
});
