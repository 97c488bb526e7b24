import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs a file in a process of its own, which gets one message and answers with one. */
export function runChild<T>(file: URL, task: object): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(file), {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    running.add(child);
    child.once('message', (answer) => resolve(answer as T));
    child.once('error', reject);
    child.once('exit', (code) => {
      running.delete(child);
      reject(new Error(`${file.pathname} ended with ${code} before it answered`));
    });
    child.send(task);
  });
}

/** The other end of {@link runChild}: does the task that the parent sends, answers, and ends. */
export function serveParent<Task, Answer>(run: (task: Task) => Promise<Answer>): void {
  process.once('message', (task) => {
    void run(task as Task).then((answer) => process.send!(answer as object, () => process.disconnect()));
  });
}
