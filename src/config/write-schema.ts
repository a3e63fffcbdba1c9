/** Writes `l2vpnd.schema.json` beside package.json: `npm run schema`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { jsonSchema } from './schema.ts';

/** From dist/src/config/ to the top of the project. */
const target = fileURLToPath(new URL('../../../l2vpnd.schema.json', import.meta.url));

writeFileSync(target, `${JSON.stringify(jsonSchema(), null, 2)}\n`);
console.log(`wrote ${target}`);
