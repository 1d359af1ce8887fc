/** Says on a terminal's stderr what is going on, once it has taken half a second. Returns the function that wipes it away. */
export function progress(what: string): () => void {
  if (!process.stderr.isTTY) return () => undefined;
  const started = performance.now();
  const timer = setInterval(() => {
    process.stderr.write(`\r\u001b[2K${what} … ${((performance.now() - started) / 1000).toFixed(1)} s`);
  }, 500);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (performance.now() - started >= 500) process.stderr.write("\r\u001b[2K");
  };
}
