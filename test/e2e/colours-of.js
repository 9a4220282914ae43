/* Runs in a page: the colour of each text, and that of what lies under it. */
;(() => {
  const groundOf = (from) => {
    for (let one = from; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor
      if (colour !== 'rgba(0, 0, 0, 0)') return colour
    }
    return 'rgb(255, 255, 255)'
  }
  // The signs of a legend are drawings.
  const isRead = (text) => text.trim() !== '' && !/[━░╍▮]/.test(text)
  return [...document.querySelectorAll('h1, p, a, p span')]
    .filter((one) => isRead(one.textContent))
    .map((one) => ({ text: getComputedStyle(one).color, ground: groundOf(one) }))
})()
