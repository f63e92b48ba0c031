/** Import this first: it ends the program with advice on a Node that is too old for the rest. */
const wanted = [20, 19];
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  process.stderr.write(
    `Partyline needs Node.js ${wanted.join('.')} or newer; this is ${process.versions.node}.\n` +
      'Get a current one from https://nodejs.org, or with a version switcher such as nvm, and try again.\n',
  );
  process.exit(1);
}
