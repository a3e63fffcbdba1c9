/** The reference keys (they protect nothing but the frames of a benchmark). */
export const KEY_FROM_SITE1: string = '11'.repeat(16);
export const KEY_FROM_SITE2: string = '22'.repeat(16);
