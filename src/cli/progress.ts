/** A bar on standard error that is gone when it is done. */
import type { SingleBar } from 'cli-progress';

export interface Progress {
  update(done: number): void;
  stop(): void;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };

/** Nothing is drawn unless somebody watches. */
export async function progressBar(
  stream: NodeJS.WriteStream,
  title: string,
  total: number | undefined,
): Promise<Progress> {
  if (!stream.isTTY) return SILENT;
  const { default: bars } = await import('cli-progress');
  const format = total === undefined ? FORMAT_OPEN : FORMAT;
  const bar: SingleBar = new bars.SingleBar({
    stream,
    format: `${title} ${format}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    hideCursor: true,
    fps: 8,
  });
  bar.start(total ?? 0, 0);
  return {
    update: (done) => {
      bar.update(done);
    },
    stop: () => {
      bar.stop();
    },
  };
}

const FORMAT = '{bar} {percentage} % | {value}/{total} | {eta_formatted} left';
const FORMAT_OPEN = '{value} | {duration_formatted}';
