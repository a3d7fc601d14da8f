/** A shopping cart: items with prices, discounts, and the total. */
export class ShoppingCart {
  items = []

  /** Puts an item with its price and quantity into the cart. */
  addItem(name, price, quantity) {
    this.items.push({ name, price, quantity })
  }

  /** Sum of all prices, less the discount in percent. */
  totalPrice(discountPercent) {
    const sum = this.items.reduce((total, item) => total + item.price * item.quantity, 0)
    return sum * (1 - discountPercent / 100)
  }
}
