// Choosing a picture or a video from this machine, or taking one with its camera.

/** The chosen file; nothing happens when the person changes their mind. `camera`: the camera first, where there is one. */
export function askFile(accept, camera, act) {
  const input = Object.assign(document.createElement("input"), { type: "file", accept });
  if (camera) input.capture = "environment";
  input.onchange = () => { if (input.files.length) act(input.files[0]); };
  input.click();
}
