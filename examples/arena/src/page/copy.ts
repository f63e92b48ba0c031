import { toast } from './toast.ts';

/** Copies, or shows the text to copy by hand where the browser forbids it (a page without https). */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied`);
  } catch {
    window.prompt(`Copy the ${what.toLowerCase()}:`, text);
  }
}
