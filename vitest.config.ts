import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** `unit` needs nothing; `e2e` makes network namespaces (root, /dev/net/tun); `kernel` boots a Linux kernel in QEMU; `package` builds the packages and runs what is in them; `image` builds and runs the container image; `service` boots a Debian with one in a container. They run in this order, all but the first one file at a time. */
const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          sequence: { groupOrder: 2 },
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          sequence: { groupOrder: 3 },
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'image',
          include: ['test/image/**/*.test.ts'],
          sequence: { groupOrder: 4 },
          fileParallelism: false,
          testTimeout: 90_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'service',
          include: ['test/service/**/*.test.ts', 'test/ansible/**/*.test.ts'],
          sequence: { groupOrder: 5 },
          fileParallelism: false,
          testTimeout: 90_000,
          hookTimeout: 420_000,
        },
      },
    ],
  },
});
export default config;
