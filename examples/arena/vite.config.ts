import { defineConfig } from 'vite';

export default defineConfig({
  // Relative, so that a server can mount the page anywhere (`partyline serve --dev`: /arena/).
  base: './',
  build: { outDir: 'dist/page', emptyOutDir: true, target: 'es2022', reportCompressedSize: false },
  worker: { format: 'es' },
});
