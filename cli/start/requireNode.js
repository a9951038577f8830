/*
 * Plain old JavaScript on purpose: a Node that cannot run our TypeScript must still be able to run this and say so.
 * `npm start` and `npm test` run it first.
 */
var needed = [22, 18];
var found = process.versions.node.split(".").map(Number);

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  var task = process.env.npm_lifecycle_event === "test" ? "npm test" : "npm start";
  console.error(
    "Affiant needs Node " +
      needed.join(".") +
      " or newer, and this is Node " +
      process.versions.node +
      ". " +
      "Run: npx -y -p node@24 -c 'npm ci && " +
      task +
      "'",
  );
  process.exit(1);
}
