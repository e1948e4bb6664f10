// The browser's microphone as pieces of WAV. Browsers record WebM, which few decoders take; so samples it is.

const WHY = {
  NotAllowedError: "The microphone was refused. Allow it for this page (beside the address), or speak an audio file.",
  NotFoundError: "No microphone was found. Speak an audio file instead.",
  NotReadableError: "Another program holds the microphone. Close it, or speak an audio file.",
};

function wav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, word) => [...word].forEach((ch, i) => view.setUint8(at + i, ch.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * samples.length, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true);
  view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true); view.setUint16(32, 2, true); view.setUint16(34, 16, true);
  text(36, "data"); view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(44 + 2 * i, 32767 * Math.max(-1, Math.min(1, sample)), true));
  return new Blob([view], { type: "audio/wav" });
}

// Opens it; `heard(blob, loudness 0 to 1)` gets each piece in order. Returns a function that closes it.
// Throws an Error with words for a person.
export async function listen(heard) {
  if (!navigator.mediaDevices || !window.AudioWorkletNode) {
    throw new Error("This browser gives a microphone only to pages on localhost or https. Speak an audio file instead.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (trouble) {
    throw new Error(WHY[trouble.name] || "The microphone cannot be used: " + trouble.message);
  }
  const sound = new AudioContext();
  const close = () => { stream.getTracks().forEach((track) => track.stop()); sound.close().catch(() => {}); };
  try {
    await sound.audioWorklet.addModule("/carrier/static/pcm.js");
    const pieces = new AudioWorkletNode(sound, "pieces");
    pieces.port.onmessage = ({ data }) => {
      const loudness = Math.sqrt(data.reduce((sum, sample) => sum + sample * sample, 0) / data.length);
      heard(wav(data, sound.sampleRate), Math.min(1, 6 * loudness));
    };
    sound.createMediaStreamSource(stream).connect(pieces);
    await sound.resume();
  } catch (trouble) {
    close();
    throw new Error("The microphone cannot be used: " + trouble.message);
  }
  return close;
}
