/** The verdicts that are told as drops. */
import { DROP_TEXTS, Drop } from '../frame/drop.ts';

/** Not `None`, and no frame that was taken for the control plane. */
export const DROP_REASONS: readonly number[] = [...DROP_TEXTS.keys()].filter(
  (reason) => reason !== Drop.None && reason !== Drop.Uncontrolled,
);
