/** What this room has to say without being asked. */
export interface StateEvent {
  readonly kind: 'remade' | 'marker' | 'ignored' | 'failed';
  readonly level: 'warn' | 'error';
  /** A sentence for the log: what happened, where, and what it means. */
  readonly message: string;
  readonly path: string;
}

export type OnStateEvent = (event: StateEvent) => void;
