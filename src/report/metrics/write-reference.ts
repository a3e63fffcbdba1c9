/** Writes docs/reference/metrics.md. `npm run docs:metrics` */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../package-root.ts';
import { metricsReference } from './reference.ts';

writeFileSync(join(packageRoot(), 'docs', 'reference', 'metrics.md'), metricsReference());
