/** A bar on standard error that is gone when it is done. */
import type { SingleBar } from 'cli-progress';

export interface Progress {
  /** `text` stands beside the bar; without it, what is done does. */
  update(done: number, text?: string): void;
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
  bar.start(total ?? 0, 0, { text: '' });
  return {
    update: (done, text = String(done)) => {
      bar.update(done, { text });
    },
    stop: () => {
      bar.stop();
    },
  };
}

const FORMAT = '{bar} {percentage} % | {text} | {eta_formatted} left';
const FORMAT_OPEN = '{text} | {duration_formatted}';
