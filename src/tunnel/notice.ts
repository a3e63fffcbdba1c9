/** Something about a tunnel that an operator should hear once, when it happens. */
export interface Notice {
  readonly level: 'info' | 'warn';
  readonly text: string;
}

export function warning(text: string): Notice {
  return { level: 'warn', text };
}

export function news(text: string): Notice {
  return { level: 'info', text };
}
