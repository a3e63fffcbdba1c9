/** Server-sent events as far as the daemon uses them: one `event` and one `data` line each. */
export class EventParser {
  readonly #take: (event: string, data: string) => void;
  #rest = '';

  constructor(take: (event: string, data: string) => void) {
    this.#take = take;
  }

  push(text: string): void {
    this.#rest += text;
    for (;;) {
      const end = this.#rest.indexOf('\n\n');
      if (end < 0) return;
      const lines = this.#rest.slice(0, end).split('\n');
      this.#rest = this.#rest.slice(end + 2);
      const field = (name: string): string =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? '';
      this.#take(field('event'), field('data'));
    }
  }
}
