import { defineConfig, type UserConfig } from 'vite';

/** The page, as files that need nothing from elsewhere: one script, one style sheet. */
const config: UserConfig = defineConfig({
  root: import.meta.dirname,
  base: './',
  logLevel: 'warn',
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    modulePreload: false,
    assetsInlineLimit: 0,
    rollupOptions: {
      output: { entryFileNames: 'page.js', assetFileNames: '[name][extname]' },
    },
  },
});
export default config;
